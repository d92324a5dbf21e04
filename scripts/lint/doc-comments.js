const fragment =
  /^(?:Of|Those|Whoever|Whom|Whose|To whom|From whom|(?:Who|What) (?:is|are|was|were)|That (?:it|they|there)|By (?!default\b|design\b|convention\b|contrast\b|hand\b))\b/;

/** The first words of a doc comment; undefined if it is not a doc comment or begins with a tag. */
function readOpening({ type, value }) {
  if (type !== "Block" || !value.startsWith("*")) return undefined;
  const text = value.replace(/^[\s*]+/, "");
  return text.startsWith("@") ? undefined : text;
}

/** Reports doc comments that begin with a fragment and so make no sense on their own. */
export const docComments = {
  meta: {
    type: "suggestion",
    messages: {
      fragment:
        "A doc comment is a full sentence or a noun phrase that makes sense on its own; it does not begin with '{{opening}}'.",
    },
    schema: [],
  },
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          const opening = fragment.exec(readOpening(comment) ?? "")?.[0];
          if (opening === undefined) continue;
          const data = { opening: opening.trim() };
          context.report({ loc: comment.loc, messageId: "fragment", data });
        }
      },
    };
  },
};
