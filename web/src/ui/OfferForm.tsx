import { isPictureUrl } from "../../../contracts/picture-url.ts";
import { useEffect, useState } from "preact/hooks";
import { isBlank } from "../../../contracts/visible.ts";
import type { Item } from "../../../contracts/market.ts";
import { formatPrice, toPriceInput } from "../prices.ts";
import type { SoukError } from "../souk.ts";
import { t } from "../texts.ts";
import { Field } from "./Field.tsx";
import { Form, ValidationError, type FieldErrors, type Values } from "./Form.tsx";
import { Picture } from "./Picture.tsx";
import {
  PriceField,
  priceFault,
  readPrice,
  type ChosenPrice,
  type PriceFieldProps,
} from "./PriceField.tsx";

export interface OfferValues {
  title: string;
  description: string;
  price: number;
  imageUrl: string | null;
}

interface OfferFormProps {
  currency: string;
  /** The item to edit; a new one without it. */
  item?: Item;
  /** What the fields of a new item have at first, and what is called after each change of a field. */
  draft?: Values;
  onChange?(values: Values): void;
  submit(offer: OfferValues): Promise<void>;
  submitLabel: string;
}

export function OfferForm({ currency, item, draft: begun = {}, ...form }: OfferFormProps) {
  const [draft, setDraft] = useState(draftOf(item, begun));
  const [brokenUrl, setBrokenUrl] = useState("");
  // An unchanged price is the item's, whatever its digits could mean.
  const [chosen, setChosen] = useState<ChosenPrice | undefined>(
    item && { text: draft.price, amount: item.price },
  );
  const price = readPrice(draft.price, currency, chosen);
  const onInput = ({ currentTarget: { name, value } }: { currentTarget: HTMLInputElement }) =>
    setDraft((before) => ({ ...before, [name]: value }));
  return (
    <div class="offer-form">
      <Form
        {...form}
        submit={(values) => form.submit(parseOffer(values, currency, chosen))}
        explain={explain}
      >
        {(errors) => (
          <OfferFields
            draft={draft}
            onInput={onInput}
            description={item?.description ?? begun.description}
            isPictureBroken={brokenUrl !== "" && brokenUrl === draft.imageUrl.trim()}
            errors={errors}
            price={{
              currency,
              reading: price,
              choose: (amount) => setChosen({ text: draft.price, amount }),
            }}
          />
        )}
      </Form>
      <Preview
        draft={draft}
        id={item?.id ?? "new"}
        price={"amount" in price ? formatPrice(price.amount, currency) : "–"}
        onBroken={setBrokenUrl}
      />
    </div>
  );
}

const draftOf = (item: Item | undefined, { title, price, imageUrl }: Values): Draft => ({
  title: item?.title ?? title ?? "",
  price: item ? toPriceInput(item.price, item.currency) : (price ?? ""),
  imageUrl: item?.imageUrl ?? imageUrl ?? "",
});

interface PreviewProps {
  draft: Draft;
  id: string;
  price: string;
  /** Called with a link from which no picture can be loaded. */
  onBroken(url: string): void;
}

/** The time in ms after which a link is no longer typed, but tried. */
const typingMs = 500;

function Preview({ draft: { title, imageUrl }, id, price, onBroken }: PreviewProps) {
  const [url, setUrl] = useState(imageUrl.trim());
  useEffect(() => {
    const timer = setTimeout(() => setUrl(imageUrl.trim()), typingMs);
    return () => clearTimeout(timer);
  }, [imageUrl]);
  return (
    <div class="card preview" aria-hidden="true">
      <Picture item={{ id, imageUrl: url || null }} onBroken={() => onBroken(url)} isEager />
      <h2 dir="auto">{title || t.offer.preview}</h2>
      <p class="price">{price}</p>
    </div>
  );
}

/** The values of the fields that the preview shows. */
interface Draft {
  title: string;
  price: string;
  imageUrl: string;
}

interface OfferFieldsProps {
  draft: Draft;
  onInput(event: { currentTarget: HTMLInputElement }): void;
  description: string | undefined;
  price: Pick<PriceFieldProps, "currency" | "reading" | "choose">;
  errors: FieldErrors;
  isPictureBroken: boolean;
}

const OfferFields = ({
  draft,
  onInput,
  description,
  price,
  errors,
  isPictureBroken,
}: OfferFieldsProps) => (
  <>
    <Field
      label={t.offer.title}
      name="title"
      value={draft.title}
      onInput={onInput}
      maxLength={200}
      required
      error={errors.title}
      dir="auto"
    />
    <PriceField {...price} value={draft.price} onInput={onInput} error={errors.price} />
    <Field
      label={t.offer.description}
      name="description"
      rows={5}
      maxLength={5000}
      defaultValue={description}
      error={errors.description}
    />
    <PictureField
      value={draft.imageUrl}
      onInput={onInput}
      error={errors.imageUrl}
      warning={isPictureBroken ? t.offer.pictureBroken : undefined}
    />
  </>
);

interface PictureFieldProps {
  value: string;
  onInput: OfferFieldsProps["onInput"];
  error: string | undefined;
  warning: string | undefined;
}

const PictureField = (props: PictureFieldProps) => (
  <Field
    label={t.offer.picture}
    name="imageUrl"
    hint={t.offer.pictureHint}
    inputMode="url"
    {...props}
  />
);

function parseOffer(
  values: Values,
  currency: string,
  chosen: ChosenPrice | undefined,
): OfferValues {
  const { title = "", price: priceText = "", description = "" } = values;
  const price = readPrice(priceText, currency, chosen);
  const imageUrl = values.imageUrl?.trim() ?? "";
  const errors: FieldErrors = {
    ...(isBlank(title) && { title: t.offer.titleMissing }),
    ...(!("amount" in price) && { price: priceFault(price, currency) }),
    ...(imageUrl && !isPictureUrl(imageUrl) && { imageUrl: t.offer.pictureInvalid }),
  };
  if (Object.keys(errors).length > 0) throw new ValidationError(errors);
  // The cast: without an amount, there is an error.
  const { amount } = price as ChosenPrice;
  return { title, description, price: amount, imageUrl: imageUrl || null };
}

const explain = ({ code }: SoukError): FieldErrors | undefined =>
  code === "ITEM_NOT_FOUND" ? { "": t.offer.notForSale } : undefined;
