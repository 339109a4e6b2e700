/** Node strips the types itself; each suite is a folder under test/, chosen by the npm script. */
export default {
  testEnvironment: "node",
  transform: {},
  extensionsToTreatAsEsm: [".ts"],
  testMatch: ["**/test/**/*.test.ts"],
  testTimeout: 30_000,
};
