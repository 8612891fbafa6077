// `npm start`: installs what is missing, builds what has changed, and starts the house.
await import('./scripts/prepare.mjs');
await import('./apps/launcher/dist/main.js');
