export const Star = () => (
  <svg
    class="star"
    viewBox="-12 -12 24 24"
    width="24"
    height="24"
    aria-hidden="true"
    focusable="false"
  >
    <path
      d="M0-11 3.2-7.8H7.8V-3.2L11 0 7.8 3.2V7.8H3.2L0 11-3.2 7.8H-7.8V3.2L-11 0-7.8-3.2V-7.8H-3.2Z"
      fill="currentColor"
    />
    <path
      d="M0-6.8 2-4.8H4.8V-2L6.8 0 4.8 2V4.8H2L0 6.8-2 4.8H-4.8V2L-6.8 0-4.8-2V-4.8H-2Z"
      class="star-inside"
    />
  </svg>
);
