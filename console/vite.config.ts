import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { compressed } from "./vite.compress.ts";

/** Vendors are files of their own, so that a change of ours does not throw them out of caches. */
const vendors = [
  { name: "echarts", test: /node_modules\/(echarts|zrender|tslib)\// },
  { name: "react", test: /node_modules\/(react|react-dom|scheduler)\// },
  { name: "grid", test: /node_modules\/(react-grid-layout|react-draggable|react-resizable)\// },
  { name: "map", test: /node_modules\/(world-atlas|topojson-client|d3-)/ },
  { name: "editor", test: /node_modules\/(@codemirror|@lezer|style-mod|w3c-keyname|crelt)\// },
];

export default defineConfig({
  base: "/",
  plugins: [react(), compressed()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    outDir: "../src/vpcflow/console/static",
    emptyOutDir: true,
    rolldownOptions: { output: { codeSplitting: { groups: vendors } } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:4680" } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
