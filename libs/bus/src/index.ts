export { Current, type Version } from './current.js';
export { Bus, event, type Outgoing } from './bus.js';
export { BusModule, busTransports } from './bus.module.js';
export { DeadLetters, type DeadLetter } from './dead-letters.js';
export { newEventId } from './event-id.js';
export { NotYet, OnEvent, OnEvents } from './on-event.js';
export { ask, askPatiently, OnRequest } from './requests.js';
export { busEntities, busMigrations } from './tables.js';
export { DEAD_STREAM, EVENTS_STREAM } from './streams.js';
