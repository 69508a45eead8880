/** Addresses and their pages. What follows the question mark is checked before a page sees it. */

import { createRootRoute, createRoute, createRouter } from "@tanstack/react-router";

import { Explorer } from "./explorer/Explorer";
import { parseSearch, type Raw, readFilters, stringifySearch } from "./explorer/filters";
import { JobPage } from "./job/JobPage";
import { readTab } from "./job/tabs";
import { Clusters } from "./places/Clusters";
import { Nowhere } from "./places/Nowhere";
import { Queues } from "./places/Queues";
import { Shell } from "./shell/Shell";

const root = createRootRoute({ component: Shell, notFoundComponent: Nowhere });

/** Links inside the page give single values and lists alike. */
function asRaw(search: Record<string, unknown>): Raw {
  const entries = Object.entries(search).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(entries.map(([name, value]) => [name, (Array.isArray(value) ? value : [value]).map(String)]));
}

export const explorerRoute = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: (search: Record<string, unknown>) => readFilters(asRaw(search)).filters,
  component: Explorer,
});

export const jobRoute = createRoute({
  getParentRoute: () => root,
  path: "/jobs/$jobId",
  validateSearch: (search: Record<string, unknown>) => readTab(asRaw(search)),
  component: JobPage,
});

const clustersRoute = createRoute({ getParentRoute: () => root, path: "/clusters", component: Clusters });
const queuesRoute = createRoute({ getParentRoute: () => root, path: "/queues", component: Queues });

export const router = createRouter({
  routeTree: root.addChildren([explorerRoute, jobRoute, clustersRoute, queuesRoute]),
  parseSearch,
  stringifySearch,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
