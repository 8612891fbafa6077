import { Injectable } from '@nestjs/common';
import { Waiters } from './waiters.js';

/** Wakes those who follow a run's log, by its id, when this process has stored more of it. */
@Injectable()
export class LogTail extends Waiters {}
