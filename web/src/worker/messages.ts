/** From the service worker to the page: the user tapped a notification, and wants to see this view. */
export interface OpenView {
  open: string;
}
