import assert from "node:assert/strict";
import { explainDoubtfulClients } from "./doubtful-clients.js";

const explain = (clients: number, contaminated: number, name = "fedavg") =>
  explainDoubtfulClients({ clients, aggregator: { name } }, contaminated);

describe("the notice about clients that no rule can judge", () => {
  it("is about a contaminated majority, and about two clients", () => {
    assert.match(
      explain(20, 11) ?? "",
      /^attacks: 11 of 20 clients are contaminated, more than half/,
    );
    assert.match(explain(2, 1) ?? "", /^clients: of 2 clients that differ/);
    assert.match(explain(2, 0, "clair") ?? "", /^clients: of 2 clients/);
    const krum = { name: "krum", fraction: 0.2 };
    assert.match(
      explainDoubtfulClients({ clients: 2, aggregator: krum }, 0) ?? "",
      /^clients: of 2 clients/,
    );
  });

  it("is absent where a rule may judge", () => {
    assert.deepEqual(
      [explain(20, 10), explain(2, 0), explain(3, 1)],
      [undefined, undefined, undefined],
    );
  });
});
