import { Controller, Delete, Get, Module, Post } from '@nestjs/common';
import type { Principal } from '@lineclear/contracts';
import { BusModule, busEntities, busMigrations, busTransports } from '@lineclear/bus';
import { parseConfig, readEnv, serviceEnv, startService, type RunningService } from '@lineclear/kit';
import type { Backends } from '@lineclear/testkit';
import { AccessModule } from './access.module.js';
import { Allow, Public, Who } from './decorators.js';

/** A route of each kind. */
@Controller('api/secrets')
class Door {
  @Get()
  @Allow()
  who(@Who() who: Principal): Principal {
    return who;
  }

  @Post()
  @Allow()
  change(@Who() who: Principal): Principal {
    return who;
  }

  @Delete()
  @Allow(undefined, { ownCredential: true })
  end(@Who() who: Principal): Principal {
    return who;
  }

  @Get('submit')
  @Allow('job.submit')
  submit(): object {
    return {};
  }

  @Get('open')
  @Public()
  open(): object {
    return {};
  }

  @Get('bypassed')
  @Allow(undefined, { bypassable: true })
  bypassed(): object {
    return {};
  }
}
@Module({ controllers: [Door] })
class DoorModule {}

/** A replica of a service that has just these routes, with this configuration file. */
export async function openDoor(
  backends: Backends,
  yaml: string,
  more: Readonly<Record<string, string>> = {},
): Promise<RunningService> {
  return startService({
    name: 'secrets',
    config: readEnv(serviceEnv, await backends.envFor('secrets', more)),
    file: parseConfig(yaml, {}, 'the test’s file'),
    modules: [BusModule.of('secrets', backends.nats.url), AccessModule.of(), { module: DoorModule }],
    entities: [...busEntities],
    migrations: [...busMigrations],
    // Without its answers to questions, which these tests ask none of.
    transports: (app) => busTransports(app).slice(1),
  });
}
