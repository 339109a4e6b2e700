/** A server's URL as its driver reads it. */
export interface ServerUrl {
  kind: "RabbitMQ" | "MongoDB";
  /** Host names and addresses without ports and brackets, and paths of Unix sockets. */
  hosts: string[];
  /** Decoded; empty without one. */
  user: string;
  password: string;
  /** Whether TLS protects the connection, with a verified certificate. */
  isProtected: boolean;
}
