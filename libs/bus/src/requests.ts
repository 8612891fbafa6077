import { setImmediate as nextTurn } from 'node:timers/promises';
import { applyDecorators, Catch, UseFilters, type RpcExceptionFilter } from '@nestjs/common';
import {
  MessagePattern,
  NatsContext,
  ServerNats,
  Transport,
  type BaseRpcContext,
  type MessageHandler,
  type WritePacket,
} from '@nestjs/microservices';
import type { ReplyOf, RequestDef, RequestOf } from '@lineclear/contracts';
import { AppError, currentTraceparent, inSpan, Refused, Unavailable, withDeadline } from '@lineclear/kit';
import { headers, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { SpanKind } from '@opentelemetry/api';
import { finalize, throwError, type Observable } from 'rxjs';
import type { z } from 'zod';
import type { Bus } from './bus.js';
import { NotYet, takesDataAndContext } from './on-event.js';

const ANSWERS_MS = 3_000;
const TRACEPARENT = 'traceparent';

/** Nest's NATS transport for request/reply, on the connection the service has already. */
export class RequestStrategy extends ServerNats {
  #running = 0;
  #idle: (() => void) | undefined;

  constructor(
    private readonly shared: NatsConnection,
    queue: string,
  ) {
    super({ queue });
  }

  override async createNatsClient(): Promise<never> {
    return this.shared as never;
  }

  /** By the subject as it is: Nest would try to read each as JSON, and an exception per question costs a tenth of its answer. */
  override getHandlerByPattern(subject: string): MessageHandler | null {
    return this.messageHandlers.get(subject) ?? null;
  }

  protected override handleRequest(
    context: BaseRpcContext,
    produce: () => Promise<Observable<unknown>>,
    respond: (data: WritePacket) => Promise<unknown> | void,
  ): void {
    this.#running += 1;
    const ended = (): void => {
      this.#running -= 1;
      if (this.#running === 0) this.#idle?.();
    };
    const counted = async (): Promise<Observable<unknown>> => {
      try {
        return (await produce()).pipe(finalize(ended));
      } catch (error) {
        ended();
        throw error;
      }
    };
    return super.handleRequest(context, counted, respond);
  }

  /** Takes no more questions and waits for the answers under way; the connection belongs to the bus, which drains it. */
  override async close(): Promise<void> {
    await withDeadline(this.#finish(), ANSWERS_MS).catch(() => undefined);
  }

  async #finish(): Promise<void> {
    // Drained, not dropped: questions may be on their way here already.
    await Promise.all(this['subscriptions'].map((subscription: Subscription) => subscription.drain()));
    await nextTurn();
    if (this.#running > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    // Answers leave one turn after they are known.
    await nextTurn();
  }
}

@Catch()
class ReplyWithCode implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() =>
      error instanceof AppError
        ? { code: error.code, message: error.message }
        : { code: 'internal', message: 'the answerer failed' },
    );
  }
}

type MethodOf<D extends RequestDef> = <Reply extends z.input<D['reply']>>(
  target: object,
  key: string | symbol,
  slot: TypedPropertyDescriptor<(request: RequestOf<D>) => Promise<Reply>>,
) => void;

/** Answers a question: the method sees a valid request, and what it returns is checked before it leaves. */
export const OnRequest = <D extends RequestDef>(def: D): MethodOf<D> => {
  const decorate = applyDecorators(MessagePattern(def.subject, Transport.NATS), UseFilters(ReplyWithCode));
  return (target, key, slot) => {
    const answer = slot.value;
    if (!answer) throw new Error(`@OnRequest(${def.name}) belongs on a method`);
    slot.value = async function (this: unknown, raw: unknown, context?: unknown) {
      const traceparent =
        context instanceof NatsContext
          ? (context.getHeaders() as { get(name: string): string } | undefined)?.get(TRACEPARENT)
          : undefined;
      return inSpan(
        `answer ${def.name}`,
        { kind: SpanKind.SERVER, traceparent: traceparent || undefined },
        async () => def.reply.parse(await answer.call(this, def.request.parse(raw) as never)),
      );
    } as never;
    takesDataAndContext(target, key);
    (decorate as MethodDecorator)(target, key, slot as never);
  };
};

// Worth another try: nothing is wrong with the question.
const PASSING = new Set(['internal', 'unavailable', 'too_many_requests']);

/**
 * Asks another service and waits at most `deadlineMs`. @throws Unavailable when nobody answers in time, or the
 * answerer failed, or its answer breaks the contract; Refused when the answerer says no for a reason that stays.
 */
export async function ask<D extends RequestDef>(
  bus: Bus,
  def: D,
  request: z.input<D['request']>,
  deadlineMs: number,
): Promise<ReplyOf<D>> {
  return inSpan(`ask ${def.name}`, { kind: SpanKind.CLIENT }, async () => {
    const head = headers();
    const traceparent = currentTraceparent();
    if (traceparent) head.set(TRACEPARENT, traceparent);
    // The shape of Nest's NATS packets: the id marks a request that wants an answer.
    const packet = JSON.stringify({ pattern: def.subject, data: request, id: '1' });
    let answer: { err?: { code?: string; message?: string }; response?: unknown };
    try {
      const msg = await bus.connection.request(def.subject, packet, { timeout: deadlineMs, headers: head });
      answer = msg.json();
    } catch (cause) {
      throw new Unavailable(`${def.name.split('.')[0]} does not answer right now`, { cause });
    }
    if (answer.err) {
      const { code = 'internal', message = code } = answer.err;
      if (PASSING.has(code)) throw new Unavailable(`${def.name} failed: ${message}`);
      throw new Refused(code, message);
    }
    const parsed = def.reply.safeParse(answer.response);
    if (!parsed.success)
      throw new Unavailable(`the answer to ${def.name} broke its contract`, { cause: parsed.error });
    return parsed.data as ReplyOf<D>;
  });
}

/** As ask, for who handles an event: while nobody answers the event comes again, and that is no failure. @throws NotYet, Refused */
export async function askPatiently<D extends RequestDef>(
  bus: Bus,
  def: D,
  request: z.input<D['request']>,
  deadlineMs: number,
): Promise<ReplyOf<D>> {
  try {
    return await ask(bus, def, request, deadlineMs);
  } catch (error) {
    throw error instanceof Unavailable ? new NotYet(error.message, { cause: error }) : error;
  }
}
