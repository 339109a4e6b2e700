import { useState } from "preact/hooks";
import { t } from "../texts.ts";
import { Tiles } from "./Tiles.tsx";

interface Pictured {
  id: string;
  imageUrl: string | null;
  isSold?: boolean;
}

interface PictureProps {
  item: Pictured;
  isEager?: boolean;
  /** Called when the picture cannot be loaded. */
  onBroken?(): void;
}

/** An item's picture in a frame of fixed shape. Items without a picture, or with one that cannot be loaded, get drawn tiles. */
export function Picture({ item, isEager = false, onBroken }: PictureProps) {
  const source = sourceOf(item.imageUrl);
  const [broken, setBroken] = useState<string>();
  return (
    <div class={item.isSold ? "picture is-sold" : "picture"}>
      {source && source !== broken ? (
        <img
          src={source}
          alt=""
          width="400"
          height="480"
          loading={isEager ? "eager" : "lazy"}
          decoding="async"
          referrerpolicy="no-referrer"
          onError={() => {
            setBroken(source);
            onBroken?.();
          }}
        />
      ) : (
        <>
          <Tiles id={item.id} />
          {source && <p>{t.item.pictureBroken}</p>}
        </>
      )}
    </div>
  );
}

/** Allows only http(s) URLs and paths of this server: nothing that a browser would execute. */
function sourceOf(url: string | null): string | undefined {
  if (!url || !URL.canParse(url, location.origin)) return undefined;
  const { protocol, href } = new URL(url, location.origin);
  return protocol === "https:" || protocol === "http:" ? href : undefined;
}
