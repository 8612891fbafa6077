import { Clock } from './clock.js';

/** A clock that stands still until it is set. */
export class TestClock extends Clock {
  constructor(public ms = 0) {
    super();
  }

  override now(): Date {
    return new Date(this.ms);
  }
}
