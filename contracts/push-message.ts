/** What a web push contains, encrypted for one browser: the service worker of the page shows it. */
export interface PushMessage {
  /** The id of the notice. Of several pushes with one id a browser shows one notification. */
  id: string;
  title: string;
  body: string;
  /** The view of the page that a tap opens. */
  path: string;
  /** The language of the texts. */
  language: string;
}
