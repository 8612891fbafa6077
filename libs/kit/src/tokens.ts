/** Injects the service's own frozen config object. */
export const CONFIG = Symbol('CONFIG');
/** Injects the process's logger. */
export const LOGGER = Symbol('LOGGER');
/** Injects the service's name, as in the contracts. */
export const SERVICE_NAME = Symbol('SERVICE_NAME');
/** Injects the configuration file as read. */
export const CONFIG_FILE = Symbol('CONFIG_FILE');
