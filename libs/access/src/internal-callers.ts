import { Inject, Injectable } from '@nestjs/common';
import { networks, type Principal } from '@lineclear/contracts';
import {
  clientAddress,
  Clock,
  CONFIG,
  CONFIG_FILE,
  LOGGER,
  TtlCache,
  type ConfigFile,
  type Logger,
  type ServiceConfig,
} from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';
import { isOwnName, refuseOtherSites } from './other-sites.js';
import { Principals } from './principals.js';

const SAID_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/** Whom the configuration lets in for the network they come from, without any credential. */
@Injectable()
export class InternalCallers {
  readonly #isInternal: (address: string) => boolean;
  /** Addresses that the log has named lately. */
  readonly #said: TtlCache<true>;

  constructor(
    @Inject(CONFIG_FILE) { network }: ConfigFile,
    @Inject(CONFIG) private readonly config: ServiceConfig,
    @Inject(LOGGER) private readonly log: Logger,
    private readonly principals: Principals,
    clock: Clock,
  ) {
    this.#isInternal = networks(network.bypass_auth_for_internal ? network.internal_networks : []);
    this.#said = new TtlCache({ clock, ttlMs: SAID_MS, maxEntries: MAX_ADDRESSES });
  }

  /** Who a request without a credential is, or nobody. @throws NotAllowed when a page of another site sent it. */
  async of(request: FastifyRequest): Promise<Principal | null> {
    const address = clientAddress(request);
    if (!this.#isInternal(address) || !isOwnName(request, this.config.PUBLIC_URL)) return null;
    refuseOtherSites(request, this.config.PUBLIC_URL);
    const principal = await this.principals.internal(address);
    if (principal && !this.#said.get(address)) {
      this.#said.set(address, true);
      this.log.info(`Auth bypassed for IP ${address}`);
    }
    return principal;
  }
}
