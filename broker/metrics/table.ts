/** Every metric of a node. docs/metrics.md shows this table; a node exports these and no others. */

/** Seconds: from a few milliseconds to the minutes that an outage takes. */
const delays = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400,
];
/** Seconds: of one request or one operation of a database, which have time limits. */
const durations = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const counter = <const Labels extends string[]>(help: string, ...labels: Labels) =>
  ({ type: "counter", help, labels }) as const;
const gauge = <const Labels extends string[]>(help: string, ...labels: Labels) =>
  ({ type: "gauge", help, labels }) as const;
const histogram = <const Labels extends string[]>(
  help: string,
  buckets: number[],
  ...labels: Labels
) => ({ type: "histogram", help, labels, buckets }) as const;

/**
 * Units are in the names: seconds, bytes, or none for numbers. The values of each label are few and known in advance:
 * never an id, a path, an address or a text of a user.
 */
export const metrics = {
  souk_node_info: gauge("1, with the node's name and version", "node", "version"),
  souk_sale_to_stored_seconds: histogram("From a sale to its stored notice", delays),
  souk_stored_to_emitted_seconds: histogram(
    "From a stored notice to its event on one socket of a connected user",
    delays,
  ),
  souk_emitted_to_shown_seconds: histogram(
    "From that event to the device's acknowledgement that it has shown the notice",
    delays,
  ),

  souk_outbox_pending: gauge("Entries that wait for delivery, at most 10,000", "service", "action"),
  souk_outbox_oldest_due_seconds: gauge(
    "For how long the oldest entry has been due; 0 without one",
    "service",
    "action",
  ),
  souk_outbox_dead_letters: gauge("Entries that were refused, at most 10,000", "service", "action"),
  souk_outbox_outcomes_total: counter(
    "Attempts to deliver an entry, by outcome: delivered, cancelled, pending (is tried again) or refused",
    "service",
    "action",
    "outcome",
  ),

  souk_deliveries_total: counter(
    "Attempts to send a notice, or a mail about an account, by channel (push, mail, webhook) and result: delivered, retry (it failed), gone (the target), refused (the message) or dropped (not needed any more)",
    "channel",
    "result",
  ),
  souk_deliveries_pending: gauge("Deliveries that are not finished, at most 10,000", "channel"),
  souk_deliveries_oldest_due_seconds: gauge(
    "For how long the oldest delivery has been due, among the 200 oldest of all channels; 0 without one. What waits for its next attempt is not due",
    "channel",
  ),

  souk_sockets: gauge("Open sockets, by whether a user is signed in: yes or no", "authorized"),

  souk_http_request_duration_seconds: histogram(
    "Requests by template of the route (none when there is no route) and class of the status (2xx, 4xx, …; none when the client was gone)",
    durations,
    "method",
    "route",
    "status",
  ),
  souk_refusals_total: counter(
    "Refused requests and socket events, by code of contracts/errors.ts; edge is http or socket",
    "edge",
    "code",
  ),
  souk_admission_limit: gauge("Calls in flight that a service may have", "service"),
  souk_admission_in_flight: gauge(
    "Calls in flight, with those that wait for their turn",
    "service",
  ),
  souk_sheds_total: counter("Requests that admission control refused", "service"),

  souk_service_nodes: gauge("Nodes that offer the service now, as this node knows", "service"),
  souk_amqp_connected: gauge("1 while this node is connected to RabbitMQ"),
  souk_amqp_blocked: gauge("1 while an alarm of RabbitMQ blocks this node's connection"),
  souk_amqp_reconnects_total: counter("Connections to RabbitMQ after the first one"),
  souk_amqp_unroutable_total: counter("Messages that RabbitMQ returned: their node has no queue"),
  souk_amqp_latency_seconds: gauge("The time of this node's last message to itself"),
  souk_suspicions_total: counter(
    "Nodes that this node suspected, by reason: gone (no queue) or frozen (no answer)",
    "reason",
  ),

  souk_database_operation_seconds: histogram(
    "Operations of a service's database that were answered",
    durations,
    "service",
    "operation",
  ),
  souk_database_errors_total: counter(
    "Failed operations, by kind: unavailable or other",
    "service",
    "kind",
  ),
  souk_database_available: gauge(
    "1 unless the last operation found the database unavailable",
    "service",
  ),
  souk_database_connections: gauge(
    "Connections of MongoDB's driver, by state: open, used, or waiting for one",
    "service",
    "state",
  ),

  souk_security_events_total: counter("Events of the security log", "event"),

  souk_event_loop_delay_seconds: gauge(
    "Delay of the event loop since the last scrape, at most every 10 s, by quantile: 0.5, 0.99 or 1",
    "quantile",
  ),
  process_cpu_seconds_total: counter("CPU time of the process"),
  process_resident_memory_bytes: gauge("Resident memory of the process"),
  process_start_time_seconds: gauge("When the process began (seconds since 1970)"),
} as const;

export type MetricName = keyof typeof metrics;
