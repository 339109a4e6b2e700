/** Placeholders of content that is loading. They have its size, so that nothing moves when it arrives. */

export const CardsSkeleton = ({ count = 8 }: { count?: number }) => (
  <ul class="cards" aria-hidden="true">
    {Array.from({ length: count }, (_, n) => (
      <li class="card is-loading" key={n}>
        <div class="picture" />
        <p class="skeleton-line" />
        <p class="skeleton-line is-short" />
      </li>
    ))}
  </ul>
);

export const RowsSkeleton = () => (
  <ul class="rows is-loading" aria-hidden="true">
    {[1, 2, 3, 4].map((n) => (
      <li class="row" key={n}>
        <span class="skeleton-line" />
        <span class="skeleton-line is-short" />
      </li>
    ))}
  </ul>
);

export const ItemSkeleton = () => (
  <div class="item is-loading" aria-hidden="true">
    <div class="picture" />
    <div class="item-details">
      <p class="skeleton-line is-title" />
      <p class="skeleton-line is-short" />
      <p class="skeleton-line" />
      <p class="skeleton-line" />
    </div>
  </div>
);
