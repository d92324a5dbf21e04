import { describeAttack } from "@fedclair/core/testing";
import { otherSpace } from "../other-space.js";

// Tests that every attack must pass.
describeAttack(otherSpace);
