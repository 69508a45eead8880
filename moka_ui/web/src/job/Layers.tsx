/** Which layer of configuration set each line of a manifest, and what it replaced. Later layers win. */

import type { Line } from "../generated";
import { Empty } from "../kit";
import { visible } from "../text/visible";
import { layerName } from "../text/words";
import css from "./Layers.module.css";

export function Layers({ lines }: { lines: Line[] }) {
  if (lines.length === 0)
    return <Empty title="Not kept">This manifest was written before Archer kept who set its lines.</Empty>;
  return (
    <div className={css.frame}>
      <table className={css.table}>
        <caption>
          Later layers win: platform default, cluster, Spark version, queue, tenant, request, and what the platform fixes
        </caption>
        <thead>
          <tr>
            <th scope="col">Line</th>
            <th scope="col">Value</th>
            <th scope="col">Set by</th>
            <th scope="col">Replaced</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.path}>
              <th scope="row">{visible(lineName(line.path))}</th>
              <td className={css.value}>{visible(line.value)}</td>
              <td>{layerName(line.source)}</td>
              <td className={css.value}>
                {line.replaced.map((gone) => `${visible(gone.value)} (${layerName(gone.source)})`).join(", ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A JSON pointer as people write it: steps with dots, and a key that has dots of its own in brackets. */
function lineName(path: string): string {
  return path
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((name, step) => {
      if (/[./]/.test(step)) return `${name}[${step}]`;
      return name ? `${name}.${step}` : step;
    }, "");
}
