import type { Item } from "../../../contracts/market.ts";
import { useCurrentItem } from "../item-cache.ts";
import { useSession } from "../souk.ts";
import { t } from "../texts.ts";
import { BackLink } from "../ui/BackLink.tsx";
import { BuyButton } from "../ui/BuyButton.tsx";
import { OwnItemActions } from "../ui/OwnItemActions.tsx";
import { Picture } from "../ui/Picture.tsx";
import { Price } from "../ui/Price.tsx";
import { Time } from "../ui/Time.tsx";
import { Title } from "../ui/Title.tsx";
import { UserName } from "../ui/UserName.tsx";
import { ItemNotFound, WithItem } from "../ui/WithItem.tsx";

export const ItemView = ({ id }: { id: string }) => (
  <WithItem id={id}>{(item) => <ItemPage item={item} key={item.id} />}</WithItem>
);

function ItemPage({ item: loaded }: { item: Item }) {
  const item = useCurrentItem(loaded);
  const { user } = useSession();
  if (!item) return <ItemNotFound />;
  const isOwn = user?.id === item.sellerId;
  return (
    <>
      <BackLink href="/">{t.list.allItems}</BackLink>
      <article class="item">
        <Picture item={item} isEager />
        <div class="item-details">
          <Title>{item.title}</Title>
          <Byline item={item} />
        </div>
        <div class="item-actions">
          <Price item={item} isLarge />
          {isOwn && !item.isSold ? <OwnItemActions item={item} /> : <BuyButton item={item} />}
        </div>
        {item.description && (
          <p class="description" dir="auto">
            {item.description}
          </p>
        )}
      </article>
    </>
  );
}

const Byline = ({ item }: { item: Item }) => (
  <p class="byline">
    {t.item.seller(
      <a href={`/shop/sellers/${item.sellerId}`}>
        <UserName id={item.sellerId} fallback={t.item.sellerUnknown} />
      </a>,
    )}
    {item.isSold && item.soldAt && (
      <>
        <br />
        {t.item.soldAt(<Time at={item.soldAt} />)}
      </>
    )}
  </p>
);
