// The texts of app.html and static/_app/first.js, which are shown before the application has started. Only for the catalogue:
// scripts/preload.mjs puts them into the first script.
export const texts = ['Loading', 'rutter could not be loaded', 'Check your connection and try again.', 'Try again'];
