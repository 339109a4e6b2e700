import { useState } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { useLoaded } from "../loading.ts";
import { amountIn, digitsOf, money, typed } from "../money.ts";
import { go } from "../router.ts";
import { currencyHere, learn, saw, souk, useSession, type SoukError } from "../item-cache.ts";
import { say } from "../voice.ts";
import { Title } from "../ui/bits.tsx";
import { Field, Form, Wrong, type Faults } from "../ui/Field.tsx";
import { Picture } from "../ui/Picture.tsx";
import { NoItem, WithItem } from "./ItemView.tsx";

export function Sell() {
  const { value: currency = "EUR" } = useLoaded("currency", currencyHere);
  return (
    <>
      <Title>Offer an item</Title>
      <OfferForm
        currency={currency}
        submit="Offer it"
        send={async (offer) => {
          const { id } = await souk.offer(offer);
          say("It is on offer.");
          go(`/shop/items/${id}`, { instead: true });
        }}
      />
    </>
  );
}

export const Revise = ({ id }: { id: string }) => (
  <WithItem id={id}>{(item) => <Revising item={item} key={item.id} />}</WithItem>
);

function Revising({ item }: { item: Item }) {
  const { user } = useSession();
  if (user?.id !== item.sellerId) return <NoItem />;
  return (
    <>
      <Title>Revise your offer</Title>
      <OfferForm
        currency={item.currency}
        item={item}
        submit="Keep these changes"
        send={async (offer) => {
          const revised = await souk.revise(item.id, offer);
          saw(revised);
          learn(item.id, revised);
          say("Changed.");
          go(`/shop/items/${item.id}`, { instead: true });
        }}
      />
    </>
  );
}

interface Offer {
  title: string;
  description: string;
  price: number;
  imageUrl: string | null;
}

interface OfferFormProps {
  currency: string;
  item?: Item;
  submit: string;
  send(offer: Offer): Promise<void>;
}

function OfferForm({ currency, item, submit, send }: OfferFormProps) {
  const [seen, setSeen] = useState({
    title: item?.title ?? "",
    price: item ? typed(item.price, currency) : "",
    imageUrl: item?.imageUrl ?? "",
  });
  const look = ({ currentTarget: { name, value } }: { currentTarget: HTMLInputElement }) =>
    setSeen((before) => ({ ...before, [name]: value }));
  const price = amountIn(seen.price, currency);
  const example = (4500 / 10 ** digitsOf(currency)).toFixed(digitsOf(currency));
  return (
    <div class="offer">
      <Form submit={submit} act={(values) => send(offerIn(values, currency))} explain={tooLate}>
        {(faults) => (
          <>
            <Field
              label="Title"
              name="title"
              value={seen.title}
              onInput={look}
              maxLength={200}
              required
              fault={faults.title}
              dir="auto"
            />
            <Field
              label={`Price in ${currency}`}
              name="price"
              value={seen.price}
              onInput={look}
              inputMode="decimal"
              placeholder={example}
              required
              fault={faults.price}
            />
            <Field
              label="Description"
              name="description"
              rows={5}
              maxLength={5000}
              defaultValue={item?.description}
              fault={faults.description}
            />
            <Field
              label="Picture"
              name="imageUrl"
              value={seen.imageUrl}
              onInput={look}
              hint="A link, beginning with https://. Without one, tiles are drawn for it."
              inputMode="url"
              fault={faults.imageUrl}
            />
          </>
        )}
      </Form>
      <div class="card preview" aria-hidden="true">
        <Picture item={{ id: item?.id ?? "new", imageUrl: seen.imageUrl.trim() || null }} />
        <h2 dir="auto">{seen.title || "Your item"}</h2>
        <p class="price">{price ? money(price, currency) : "–"}</p>
      </div>
    </div>
  );
}

function offerIn(
  { title = "", price: text = "", description = "", imageUrl = "" }: Record<string, string>,
  currency: string,
): Offer {
  const price = amountIn(text, currency);
  const image = imageUrl.trim();
  const faults: Faults = {
    ...(!title.trim() && { title: "It needs a title." }),
    ...((price === undefined || price > 1_000_000_000) && {
      price: "This is no price that can be paid here.",
    }),
    ...(image &&
      !/^(https?:\/\/[^\s/\\]|\/(?![/\\]))[^\s\\]*$/.test(image) && {
        imageUrl: "This is no link to a picture.",
      }),
  };
  if (Object.keys(faults).length > 0) throw new Wrong(faults);
  return { title, description, price: price!, imageUrl: image || null };
}

function tooLate({ code }: SoukError): string | undefined {
  if (code === "ITEM_SOLD") return "Too late: it was just sold.";
  return code === "ITEM_NOT_FOUND" ? "It is not on offer any more." : undefined;
}
