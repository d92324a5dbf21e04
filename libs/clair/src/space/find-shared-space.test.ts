import assert from "node:assert/strict";
import { gaussian, indices, stream } from "@fedclair/linalg";
import { idOf, updateOf } from "@fedclair/rules/testing";
import { ModulePool } from "../modules/module-pool.js";
import { clairSchema, toFindOptions } from "../options.js";
import { sanitise } from "../updates/sanitise.js";
import { findSharedSpace } from "./find-shared-space.js";
import type { Comparison } from "./module-views.js";

it("fits without each client only once where no space holds much of the changes", async () => {
  const updates = indices(12).map((k) =>
    updateOf(idOf(k), { m: gaussian(stream("unrelated").at(k), 96, 4) }),
  );
  const options = toFindOptions(clairSchema.parse({}));
  const modules = await ModulePool.create(updates, options, 0);
  const { active } = sanitise(updates, await modules.each((module) => module.ask("norms")));
  let fits = 0;
  const counted = {
    names: modules.names,
    async views(comparison: Comparison, ranks?: readonly number[]) {
      const views = await modules.views(comparison, ranks);
      const leaveOut = views.leaveOut.bind(views);
      views.leaveOut = (...args) => (fits++, leaveOut(...args));
      return views;
    },
  };
  const core = { members: indices(7), isCertain: false };
  await findSharedSpace(counted, active, [], options, core);
  modules.close();
  assert.equal(fits, 1);
});
