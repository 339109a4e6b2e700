import { useState } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { formatPrice, parsePrice, toPriceInput } from "../money.ts";
import type { SoukError } from "../souk.ts";
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
        <h2 dir="auto">{draft.title || "Your item"}</h2>
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
      label="Title"
      name="title"
      value={draft.title}
      onInput={onInput}
      maxLength={200}
      required
      error={errors.title}
      dir="auto"
    />
    <Field
      label={`Price in ${currency}`}
      name="price"
      value={draft.price}
      onInput={onInput}
      inputMode="decimal"
      placeholder={toPriceInput(examplePrice, currency)}
      required
      error={errors.price}
    />
    <Field
      label="Description"
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
    label="Picture"
    name="imageUrl"
    hint="A link that begins with https://. Without one, the page draws a picture."
    inputMode="url"
    {...props}
  />
);

function parseOffer(values: Values, currency: string): OfferValues {
  const { title = "", price: priceText = "", description = "" } = values;
  const price = parsePrice(priceText, currency);
  const imageUrl = values.imageUrl?.trim() ?? "";
  const errors: FieldErrors = {
    ...(!title.trim() && { title: "Enter a title." }),
    ...((price === undefined || price > maxPrice) && { price: "Enter a valid price." }),
    ...(imageUrl && !isImageUrl(imageUrl) && { imageUrl: "Enter a link to a picture." }),
  };
  if (Object.keys(errors).length > 0) throw new ValidationError(errors);
  return { title, description, price: price!, imageUrl: imageUrl || null };
}

/** An http(s) URL or a path of this server, as the contract requires. */
const isImageUrl = (text: string) => /^(https?:\/\/[^\s/\\]|\/(?![/\\]))[^\s\\]*$/.test(text);

function explain({ code }: SoukError): string | undefined {
  if (code === "ITEM_SOLD") return "The item has already been sold.";
  return code === "ITEM_NOT_FOUND" ? "The item is no longer for sale." : undefined;
}
