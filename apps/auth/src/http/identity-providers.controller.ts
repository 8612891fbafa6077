import { Body, Controller, Delete, Get, Param, Patch, Post } from '@nestjs/common';
import { Allow, ChangesNothing, Public } from '@lineclear/access';
import { Answers, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { LdapDirectories } from '../external/ldap-directories.js';
import { ManageProviders } from '../external/manage-providers.js';
import { OidcClient } from '../external/oidc-client.js';
import { Providers, type Listed } from '../external/providers.js';
import {
  changedDescription,
  descriptionOf,
  newProvider,
  providerChange,
  providerName,
  providerSchema,
  providerView,
} from './provider-fields.js';

const list = z.object({ providers: z.array(providerSchema), total: z.int() });
const removed = z.object({ success: z.literal(true), name: z.string() });
const tested = z.object({
  success: z.boolean(),
  provider: z.string(),
  latency_ms: z.number(),
  error: z.string().optional(),
});
const names = z.array(z.object({ name: z.string() }));
const available = z.object({ oidc: names, ldap: names, has_external_auth: z.boolean() });
type Provider = z.infer<typeof providerSchema>;

/** Who outside may vouch for people. Whoever configures one decides who anybody is: `admin.config` is for admins. */
@Controller('api/cloud/external-auth')
export class IdentityProvidersController {
  constructor(
    private readonly manage: ManageProviders,
    private readonly providers: Providers,
    private readonly client: OidcClient,
    private readonly directories: LdapDirectories,
  ) {}

  @Get('available')
  @Public()
  @Answers(200, available, 'Lists the names of the identity providers that people can log in with')
  async available(): Promise<z.infer<typeof available>> {
    const enabled = (await this.providers.all()).filter((provider) => provider.enabled);
    const namesOf = (type: Listed['type']): { name: string }[] =>
      enabled.filter((provider) => provider.type === type).map(({ name }) => ({ name }));
    return { oidc: namesOf('oidc'), ldap: namesOf('ldap'), has_external_auth: enabled.length > 0 };
  }

  @Get('providers')
  @Allow('admin.config')
  @Answers(200, list, 'Lists the identity providers, the configuration file’s first')
  async list(): Promise<z.infer<typeof list>> {
    const all = await this.providers.all();
    return { providers: all.map(providerView), total: all.length };
  }

  @Post('providers')
  @Allow('admin.config')
  @Answers(201, providerSchema, 'Makes an identity provider; its secret is kept sealed and shown to nobody')
  async create(@Body({ schema: newProvider }) body: z.infer<typeof newProvider>): Promise<Provider> {
    return providerView(await this.manage.create(descriptionOf(body)));
  }

  @Get('providers/:name')
  @Allow('admin.config')
  @Answers(200, providerSchema, 'Shows an identity provider')
  async get(@Param('name', { schema: providerName }) name: string): Promise<Provider> {
    return providerView(await this.#find(name));
  }

  @Patch('providers/:name')
  @Allow('admin.config')
  @Answers(200, providerSchema, 'Changes an identity provider; what is not given stays, the secret too')
  async change(
    @Param('name', { schema: providerName }) name: string,
    @Body({ schema: providerChange }) body: z.infer<typeof providerChange>,
  ): Promise<Provider> {
    return providerView(await this.manage.change(name, (before) => changedDescription(before, body)));
  }

  @Delete('providers/:name')
  @Allow('admin.config')
  @Answers(200, removed, 'Removes an identity provider; the people it vouched for stay')
  async remove(@Param('name', { schema: providerName }) name: string): Promise<z.infer<typeof removed>> {
    await this.manage.remove(name);
    return { success: true, name };
  }

  @Post('providers/:name/test')
  @ChangesNothing()
  @Allow('admin.config')
  @Answers(
    200,
    tested,
    'Asks a provider to describe itself, or a directory for its base, and tells how long that took',
  )
  async test(@Param('name', { schema: providerName }) name: string): Promise<z.infer<typeof tested>> {
    const provider = await this.#find(name);
    const begun = performance.now();
    const error = await (provider.type === 'oidc'
      ? this.client.fault(provider)
      : this.directories.fault(provider));
    return {
      success: error === undefined,
      provider: name,
      latency_ms: Math.round((performance.now() - begun) * 10) / 10,
      ...(error === undefined ? {} : { error }),
    };
  }

  async #find(name: string): Promise<Listed> {
    const provider = await this.providers.byName(name);
    if (!provider) throw new NotFound('identity provider', name);
    return provider;
  }
}
