import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // a data: URL would need a wider policy
    chunkSizeWarningLimit: 900,
    sourcemap: false,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8090" } },
});
