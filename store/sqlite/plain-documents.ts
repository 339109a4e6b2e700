/** The conversions that moleculer-db asks of an adapter. Documents have their id in `_id`, here and in the services. */
export class PlainDocuments {
  beforeSaveTransformID = <Doc>(doc: Doc): Doc => doc;
  afterRetrieveTransformID = <Doc>(doc: Doc): Doc => doc;
  entityToObject = <Doc>(doc: Doc): Doc => doc;
}
