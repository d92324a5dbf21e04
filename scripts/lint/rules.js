// Rules of this repository for oxlint, which .oxlintrc.json turns on.
import { docComments } from "./doc-comments.js";

/** Creates a rule that reports each piece of syntax that a selector matches. */
const reject = (selector, message) => ({
  create: (context) => ({ [selector]: (node) => context.report({ node, message }) }),
});

const maxColumns = 100;

/** Reports comments on lines of their own that are too long, unless they contain a URL. */
const maxCommentLength = {
  create: (context) => ({
    Program() {
      const { lines } = context.sourceCode;
      for (const { loc } of context.sourceCode.getAllComments()) {
        const followsCode = lines[loc.start.line - 1].slice(0, loc.start.column).trim() !== "";
        for (let line = loc.start.line + Number(followsCode); line <= loc.end.line; line++) {
          const { length } = lines[line - 1];
          if (length <= maxColumns || /[^:/?#]:\/\/[^?#]/.test(lines[line - 1])) continue;
          const where = { start: { line, column: 0 }, end: { line, column: length } };
          context.report({ loc: where, message: `A comment has at most ${maxColumns} columns.` });
        }
      }
    },
  }),
};

export default {
  meta: { name: "local" },
  rules: {
    "doc-comments": docComments,
    "max-comment-length": maxCommentLength,
    "no-spread-literal": reject(
      "ObjectExpression > SpreadElement > ObjectExpression",
      "Write the fields one by one instead of spreading an object literal.",
    ),
    "no-dynamic-import": reject("ImportExpression", "Core must run in a browser too."),
  },
};
