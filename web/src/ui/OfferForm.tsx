import { useState } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { formatPrice, parsePrice, toPriceInput } from "../money.ts";
import type { SoukError } from "../souk.ts";
import { t } from "../texts.ts";
import { Field } from "./Field.tsx";
import { Form, ValidationError, type FieldErrors, type Values } from "./Form.tsx";
import { Picture } from "./Picture.tsx";

/** The highest price that the contract allows, in the smallest unit of the currency. */
const maxPrice = 1_000_000_000;
const examplePrice = 4_500;

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
  submit(offer: OfferValues): Promise<void>;
  submitLabel: string;
}

export function OfferForm({ currency, item, submit, submitLabel }: OfferFormProps) {
  const [draft, setDraft] = useState<Draft>({
    title: item?.title ?? "",
    price: item ? toPriceInput(item.price, currency) : "",
    imageUrl: item?.imageUrl ?? "",
  });
  const price = parsePrice(draft.price, currency);
  return (
    <div class="offer-form">
      <Form
        submit={(values) => submit(parseOffer(values, currency))}
        submitLabel={submitLabel}
        explain={explain}
      >
        {(errors) => (
          <OfferFields
            draft={draft}
            onInput={({ currentTarget: { name, value } }) =>
              setDraft((before) => ({ ...before, [name]: value }))
            }
            description={item?.description}
            currency={currency}
            errors={errors}
          />
        )}
      </Form>
      <div class="card preview" aria-hidden="true">
        <Picture item={{ id: item?.id ?? "new", imageUrl: draft.imageUrl.trim() || null }} />
        <h2 dir="auto">{draft.title || t.offer.preview}</h2>
        <p class="price">{price ? formatPrice(price, currency) : "–"}</p>
      </div>
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
  currency: string;
  errors: FieldErrors;
}

const OfferFields = ({ draft, onInput, description, currency, errors }: OfferFieldsProps) => (
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
    <Field
      label={t.offer.price(currency)}
      name="price"
      value={draft.price}
      onInput={onInput}
      inputMode="decimal"
      placeholder={toPriceInput(examplePrice, currency)}
      required
      error={errors.price}
    />
    <Field
      label={t.offer.description}
      name="description"
      rows={5}
      maxLength={5000}
      defaultValue={description}
      error={errors.description}
    />
    <PictureField value={draft.imageUrl} onInput={onInput} error={errors.imageUrl} />
  </>
);

interface PictureFieldProps {
  value: string;
  onInput: OfferFieldsProps["onInput"];
  error: string | undefined;
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

function parseOffer(values: Values, currency: string): OfferValues {
  const { title = "", price: priceText = "", description = "" } = values;
  const price = parsePrice(priceText, currency);
  const imageUrl = values.imageUrl?.trim() ?? "";
  const errors: FieldErrors = {
    ...(!title.trim() && { title: t.offer.titleMissing }),
    ...((price === undefined || price > maxPrice) && {
      price: priceText.trim() ? t.offer.priceInvalid : t.offer.priceMissing,
    }),
    ...(imageUrl && !isImageUrl(imageUrl) && { imageUrl: t.offer.pictureInvalid }),
  };
  if (Object.keys(errors).length > 0) throw new ValidationError(errors);
  return { title, description, price: price!, imageUrl: imageUrl || null };
}

/** An http(s) URL or a path of this server, as the contract requires. */
const isImageUrl = (text: string) => /^(https?:\/\/[^\s/\\]|\/(?![/\\]))[^\s\\]*$/.test(text);

const explain = ({ code }: SoukError): FieldErrors | undefined =>
  code === "ITEM_NOT_FOUND" ? { "": t.offer.notForSale } : undefined;
