/* global db */
// The image runs this once, in mongosh, when a database's volume is new. The service's user may read and write its
// own database, and nothing else in the server.
db.getSiblingDB("admin").createUser({
  user: "souk",
  pwd: process.env.SOUK_PASSWORD,
  roles: [{ role: "readWrite", db: process.env.SOUK_DATABASE }],
});
