import { applyDecorators, Catch, UseFilters, type RpcExceptionFilter } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { EventDef, EventOf } from '@lineclear/contracts';
import type { Tx } from '@lineclear/kit';
import { throwError, type Observable } from 'rxjs';

/** Marks handlers of our JetStream strategy, so that Nest gives them to no other transport. */
export const EVENTS_TRANSPORT = Symbol('lineclear events');

/** Nest would log a handler's error and forget it; the strategy must see it to redeliver. */
@Catch()
class HandOn implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

type Handler<D extends EventDef> = (event: EventOf<D>, tx: Tx) => Promise<void>;
type BatchHandler<D extends EventDef> = (events: EventOf<D>[], tx: Tx) => Promise<void>;
type MethodOf<F> = (target: object, key: string | symbol, slot: TypedPropertyDescriptor<F>) => void;

/**
 * A durable reaction to an event: called with a valid event, once as far as its effects go, inside the transaction
 * that also records that it was handled. Throwing means: again later, and after the last attempt a dead letter.
 */
export const OnEvent = <D extends EventDef>(def: D): MethodOf<Handler<D>> => reaction(def, false);

/** As OnEvent, for hot paths: receives all events of this kind that arrived together, to be handled with a few statements. */
export const OnEvents = <D extends EventDef>(def: D): MethodOf<BatchHandler<D>> => reaction(def, true);

const reaction = (def: EventDef, batch: boolean): MethodDecorator => {
  const onMethod = applyDecorators(
    EventPattern(def.subject, EVENTS_TRANSPORT, { def, batch }) as MethodDecorator,
    UseFilters(HandOn),
  );
  return (target, key, slot) => {
    takesDataAndContext(target, key);
    return (onMethod as MethodDecorator)(target, key, slot);
  };
};

/** Without these Nest would pass the data alone. */
export function takesDataAndContext(target: object, key: string | symbol): void {
  Payload()(target, key, 0);
  Ctx()(target, key, 1);
}

/** Thrown by a handler whose event came before something it needs: it is delivered again soon, and that is no failure. */
export class NotYet extends Error {
  override readonly name = 'NotYet';
}
