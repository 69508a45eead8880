/** An address without a page. */

import { Link } from "@tanstack/react-router";

import { Empty } from "../kit";

export function Nowhere() {
  return (
    <Empty title="There is no such page">
      <Link to="/">All jobs</Link>
    </Empty>
  );
}
