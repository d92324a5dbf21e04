import { describeAttack } from "@fedclair/core/testing";
import { otherSpace } from "../other-space.js";

// What every attack must do, whatever it sends.
describeAttack(otherSpace);
