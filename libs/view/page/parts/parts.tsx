import type { ComponentChildren } from "preact";

/** A message that must not be missed. */
export function PageNotice({
  children,
  isUrgent = false,
}: {
  readonly children: ComponentChildren;
  readonly isUrgent?: boolean;
}) {
  return (
    <p class={isUrgent ? "notice urgent" : "notice"} role={isUrgent ? "alert" : "status"}>
      {children}
    </p>
  );
}

/** A section with a heading. */
export function Section({
  id,
  title,
  aside,
  children,
}: {
  readonly id: string;
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <div class="section-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** A list of facts: a name and a value each. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, string])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A table with a column that names the rows. Cells that are right-aligned are numbers. */
export function PageTable({
  caption,
  heads,
  rows,
  named = 0,
  numbers = [],
  sorted: [sortedColumn, direction] = [-1, "none"],
}: {
  readonly caption: string;
  readonly heads: readonly ComponentChildren[];
  readonly rows: readonly (readonly ComponentChildren[])[];
  /** Index of the column that names the rows. */
  readonly named?: number;
  /** Indices of columns with numbers. */
  readonly numbers?: readonly number[];
  /** The column by which the rows are sorted, and how. */
  readonly sorted?: readonly [column: number, direction: "ascending" | "descending" | "none"];
}) {
  const align = (i: number) => (numbers.includes(i) ? "number" : undefined);
  return (
    <div class="wide" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {heads.map((head, i) => (
              <th
                key={i}
                scope="col"
                class={align(i)}
                aria-sort={i === sortedColumn ? direction : undefined}
              >
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, r) => (
            <tr key={r}>
              {cells.map((cell, i) =>
                i === named ? (
                  <th key={i} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={i} class={align(i)}>
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A choice of one of some options, each with its key and its text. */
export function Choice({
  label,
  value,
  options,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [string, string])[];
  readonly onChange: (value: string) => void;
}) {
  return (
    <label>
      {label}
      <select
        value={value}
        onChange={(event) => {
          onChange(event.currentTarget.value);
        }}
      >
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
