import { isPictureUrl } from "../../contracts/picture-url.ts";
import { Errors } from "moleculer";
import { badData, codeOf, refusal } from "../../broker/refusal.ts";
import { checker } from "../../broker/validator.ts";
import { actions } from "../../contracts/actions.ts";

const {
  RequestTimeoutError,
  ServiceNotFoundError,
  ServiceNotAvailableError,
  RequestRejectedError,
  QueueIsFullError,
  BrokerDisconnectedError,
} = Errors;
const of = { action: "market.buy", nodeID: "a" };

describe("the code of an error", () => {
  it("is its own when it is one of the contract's, also where only its type has crossed the wire", () => {
    expect(codeOf(refusal("ITEM_SOLD"))).toBe("ITEM_SOLD");
    expect(codeOf(Object.assign(new Error(), { type: "OWN_ITEM" }))).toBe("OWN_ITEM");
  });

  it.each([
    ["no node has ever offered the action", new ServiceNotFoundError(of)],
    ["no node offers it now", new ServiceNotAvailableError(of)],
    ["the node died with the call", new RequestRejectedError(of)],
    ["its queue is full", new QueueIsFullError(of)],
    ["RabbitMQ is unavailable", new BrokerDisconnectedError("unavailable")],
  ])("is UNAVAILABLE when %s", (_why, error) => expect(codeOf(error)).toBe("UNAVAILABLE"));

  it("is TIMEOUT when no answer arrived", () =>
    expect(codeOf(new RequestTimeoutError(of))).toBe("TIMEOUT"));

  it.each([
    [new TypeError("x is undefined")],
    [null],
    [undefined],
    ["text"],
    [Object.assign(new Error(), { type: "toString" })],
  ])("is INTERNAL for any other value: %p", (error) => expect(codeOf(error)).toBe("INTERNAL"));
});

describe("the faults of a value", () => {
  const wrongWith = (value: unknown) => checker(actions["market.offer"].params)(value);

  it("are listed field by field, by the fields' own names, once each", () => {
    expect(wrongWith({ title: " ", price: 0.5, colour: "red" })).toEqual([
      { field: "colour", message: "is not an accepted field" },
      { field: "title", message: "has nothing visible" },
      { field: "price", message: "must be integer" },
      { field: "price", message: "must be >= 1" },
    ]);
    expect(wrongWith({})).toEqual(
      ["title", "price"].map((field) => ({ field, message: "is missing" })),
    );
  });

  it("name the allowed values of an enum", () => {
    expect(checker(actions["market.items"].params)({ sort: "best" })).toEqual([
      { field: "sort", message: "must be one of newest, price, -price" },
    ]);
  });

  it.each([
    [{ ids: [1] }, [{ field: "ids.0", message: "must be string" }]],
    [{ all: false }, [{ field: "all", message: "must be true" }]],
    [{ all: true, colour: "red" }, [{ field: "colour", message: "is not an accepted field" }]],
    [{}, ["ids", "all"].map((field) => ({ field, message: "is missing" }))],
    [
      { ids: ["", 1] },
      [
        { field: "ids.0", message: "is empty" },
        { field: "ids.1", message: "must be string" },
      ],
    ],
  ])("of alternatives are those of the nearest: %j", (value, faults) => {
    expect(checker(actions["notifications.read"].params)(value)).toEqual(faults);
  });

  it.each([
    [{ title: "" }, "title", "is empty"],
    [{ title: "\u200b" }, "title", "has nothing visible"],
    [{ title: "x".repeat(201) }, "title", "must not have more than 200 characters"],
    [{ imageUrl: "ftp://a.example/x.png" }, "imageUrl", "is malformed"],
    [{ imageUrl: 5 }, "imageUrl", "must be string"],
    [{ "": 1 }, '""', "is not an accepted field"],
  ])("are one for each field: %j", (change, field, message) =>
    expect(wrongWith({ title: "Lamp", price: 1, ...change })).toEqual([{ field, message }]),
  );

  it("are none when it is valid", () =>
    expect(wrongWith({ title: "Lamp", price: 1, imageUrl: null })).toEqual([]));

  it("are one sentence in the error's message, and a list in its data", () => {
    const error = badData([
      { field: "price", message: "is missing" },
      { field: "", message: "is strange" },
    ]);
    expect(error).toMatchObject({
      type: "BAD_DATA",
      message: "price is missing; is strange",
      data: { errors: [{ field: "price" }, {}] },
    });
  });

  it.each([
    ["javascript:alert(1)", false],
    ["//elsewhere.example/x.png", false],
    ["/\\elsewhere.example", false],
    ["data:image/png;base64,AA", false],
    ["https://a.example/x.png", true],
    ["Https://a.example/x.png", true],
    ["HTTP://a.example/x.png", true],
    ["Https:a.example/x.png", false],
    ["/assets/1.svg", true],
  ])("an image at %s is allowed: %p", (imageUrl, isAllowed) => {
    expect(wrongWith({ title: "Lamp", price: 1, imageUrl }).length === 0).toBe(isAllowed);
  });

  it.each([
    ["https://a.example/x.png", true],
    ["Https://a.example:8443/x.png?size=2#top", true],
    ["/assets/1.svg", true],
    ["https://bücher.example/x.png", true],
    ["javascript:alert(1)", false],
    ["//elsewhere.example/x.png", false],
    ["https://%", false],
    ["https://?x", false],
    ["http://[::1", false],
    ["https://a.example:99999/x.png", false],
    ["https://ann@a.example/x.png", false],
    ["https://ann:secret@a.example/x.png", false],
  ])("a picture at %s can be loaded by all: %p", (imageUrl, isLoadable) => {
    expect(isPictureUrl(imageUrl)).toBe(isLoadable);
  });

  it.each([
    ["\ud800", "U+D800"],
    ["a\u0000b", "U+0000"],
  ])("a text that no store could save is refused: %j", (title, character) => {
    const message = `has a character that is not allowed: ${character}`;
    expect(wrongWith({ title, price: 1 })).toEqual([{ field: "title", message }]);
  });
});
