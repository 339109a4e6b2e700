import type { ItemDocument } from "./item.ts";
import { offered } from "./offer.ts";

/** The users of the sample market. The first three sell, and all of them can buy. Their ids are their names. */
export const samplePeople = [
  { id: "alice", name: "Alice", email: "alice@souk.test" },
  { id: "bob", name: "Bob", email: "bob@souk.test" },
  { id: "carol", name: "Carol", email: "carol@souk.test" },
  { id: "dave", name: "Dave", email: "dave@souk.test" },
  { id: "erin", name: "Erin", email: "erin@souk.test" },
];

const goods: [sellerId: string, title: string, price: number, description: string][] = [
  [
    "alice",
    "Brass tea tray",
    4_500,
    "Hammered by hand, a forearm wide. It rings when you knock on it.",
  ],
  ["bob", "Indigo wool rug", 18_900, "Two metres by three, knotted in one winter."],
  ["carol", "Saffron, five grams", 2_400, "This autumn's threads, in a tin that closes."],
  ["alice", "Copper coffee pot", 3_200, "Holds four small cups. The handle stays cool."],
  ["bob", "Blue glass lantern", 5_600, "Throws stars on the wall. Takes a candle or a lamp."],
  [
    "carol",
    "Cedar backgammon board",
    7_800,
    "Inlaid points, thirty stones, two dice that have seen luck.",
  ],
  [
    "alice",
    "Leather satchel",
    9_900,
    "Goatskin, two buckles, room for a folded newspaper and lunch.",
  ],
  ["bob", "Clay water jar", 2_700, "Keeps water cool in the shade. Needs a day of soaking first."],
  [
    "carol",
    "Rose water, half a litre",
    1_500,
    "Distilled once. For sweets, and for the hands of guests.",
  ],
  ["alice", "Silver thread scarf", 6_400, "Light as a letter, warm as a room."],
  ["bob", "Walnut mortar and pestle", 3_900, "Turned from one block. Smells of the last spice."],
  ["carol", "Olive soap, ten bars", 1_900, "Aged nine months, stamped by hand."],
];

/** The path of the page's picture: "Saffron, five grams" is in saffron.svg. */
const pictureOf = (title: string) =>
  `/assets/samples/${title.split(",")[0]!.toLowerCase().replaceAll(" ", "-")}.svg`;

/** The items "1" to "12", all for sale. */
export const sampleItems = (currency: string, now: Date): ItemDocument[] =>
  goods.map(([sellerId, title, price, description], index) =>
    // One minute apart, so that their order is defined.
    offered(
      { title, price, description, imageUrl: pictureOf(title) },
      { id: String(index + 1), sellerId, currency, now: new Date(now.getTime() - index * 60_000) },
    ),
  );
