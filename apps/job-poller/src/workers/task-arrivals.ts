import { Injectable } from '@nestjs/common';
import { Waiters } from '../jobs/waiters.js';

/** Wakes the workers that wait for a task, by their provider's name. */
@Injectable()
export class TaskArrivals extends Waiters {}
