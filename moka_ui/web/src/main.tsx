import "@fontsource/ibm-plex-sans/latin-400.css";
import "@fontsource/ibm-plex-sans/latin-500.css";
import "@fontsource/ibm-plex-sans/latin-600.css";
import "@fontsource/ibm-plex-sans/latin-ext-400.css";
import "@fontsource/ibm-plex-mono/latin-400.css";
import "@fontsource/ibm-plex-mono/latin-500.css";
import "@mantine/core/styles.css";
import "./tokens.css";

import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";

import { Problem } from "./api/ask";
import { router } from "./routes";
import { theme } from "./theme";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // what was asked for wrongly stays wrong; the rest is asked once more, then by the next round
      retry: (count, error) => count < 1 && (!(error instanceof Problem) || error.passes),
      retryDelay: 500,
      refetchOnWindowFocus: true,
      staleTime: 1_000,
    },
  },
});

createRoot(document.getElementById("root")!).render(
  <MantineProvider theme={theme} defaultColorScheme="auto">
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </MantineProvider>,
);
