// A service with two routes that do the same, one open and one behind a permission: what differs in speed is access alone.
import { Controller, Get } from '@nestjs/common';
import { AccessModule, Allow, Public } from '@lineclear/access';
import { busEntities, busMigrations, BusModule, busTransports } from '@lineclear/bus';
import { readConfigFile, readEnv, runService, serviceEnv } from '@lineclear/kit';

const answer = () => ({ id: 'job_1', state: 'running', provider: 'training', hardware: 'gpu-a100' });

class Door {
  open() {
    return answer();
  }

  closed() {
    return answer();
  }
}
function route(name, access) {
  const slot = Object.getOwnPropertyDescriptor(Door.prototype, name);
  Get(name)(Door.prototype, name, slot);
  access(Door.prototype, name, slot);
}
Controller('api/door')(Door);
route('open', Public());
route('closed', Allow('job.view.own'));

class DoorModule {}

// The bus knows no service of another name than the house's.
const name = 'secrets';
await runService(() => {
  const config = readEnv(serviceEnv, process.env);
  return {
    name,
    config,
    file: readConfigFile(process.env, { without: ['oidc'] }),
    modules: [
      BusModule.of(name, config.NATS_URL),
      AccessModule.of(),
      { module: DoorModule, controllers: [Door] },
    ],
    entities: [...busEntities],
    migrations: [...busMigrations],
    // Without its answers to questions, for it is asked none.
    transports: (app) => busTransports(app).slice(1),
  };
});
