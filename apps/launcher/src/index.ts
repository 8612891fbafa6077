export { startHouse, type House, type HouseOptions, type HouseService } from './house.js';
export { runLauncher } from './launcher.js';
export { SERVICES, type HousePlan, type ServiceSpec } from './services.js';
