import { define, mixinOf } from "../../broker/define.ts";

const sender = define({
  methods: {
    accept() {
      return "sender";
    },
  },
});
const receiver = define({
  methods: {
    accept() {
      return "receiver";
    },
  },
});

describe("methods of one name", () => {
  it("of two mixins are refused with the name, because Moleculer would keep one of them silently", () => {
    expect(() => define({ name: "api", mixins: [sender, receiver] })).toThrow(/method accept/);
  });

  it("of a mixin and its service are refused, also through another mixin", () => {
    const both = define({ mixins: [sender] });
    const accept = () => "api";
    expect(() => define({ name: "api", mixins: [both], methods: { accept } })).toThrow(/accept/);
  });

  it("of one mixin that comes by two ways are accepted", () => {
    const first = define({ mixins: [sender] });
    expect(() => define({ name: "api", mixins: [first, sender] })).not.toThrow();
  });

  it("of a library's mixin may be replaced", () => {
    const library = mixinOf<{ accept(): string }>({ methods: { accept: () => "library" } });
    const accept = () => "api";
    expect(() => define({ name: "api", mixins: [library], methods: { accept } })).not.toThrow();
  });
});
