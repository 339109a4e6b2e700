import { checker } from "../../broker/validator.ts";
import { Config } from "../../contracts/http.ts";
import { gateway } from "../support/gateway.ts";
import { startMarket } from "../support/market.ts";

describe("/config.json", () => {
  it("tells the socket's URL, or the port it has at this host, and the currency", async () => {
    const at = await gateway({ settings: { socketUrl: "wss://live.example", socketPort: 3001, currency: "JPY" } });
    const other = await gateway({ settings: { socketPort: 3001 } });

    const answers = [await at.call("GET", "/config.json"), await other.call("GET", "/config.json")];

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]!.body).toEqual({ socketUrl: "wss://live.example", socketPort: 3001, currency: "JPY" });
    expect(answers[1]!.body).toEqual({ socketUrl: null, socketPort: 3001, currency: "EUR" });
    expect(answers.flatMap(({ body }) => checker(Config)(body))).toEqual([]);
    await Promise.all([at.stop(), other.stop()]);
  });

  it("tells the port that was taken, when any was free to take", async () => {
    const market = await startMarket();
    const answer = await fetch(`${market.api}/config.json`);
    expect(await answer.json()).toEqual({ socketUrl: null, socketPort: Number(new URL(market.sockets).port), currency: "EUR" });
    await market.close();
  });
});
