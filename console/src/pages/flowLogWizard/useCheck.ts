import { useMemo } from "react";
import { send } from "../../api/client";
import { type Asked, useAsked } from "../../api/hooks";
import type { FlowLogCheck, FlowLogOrder, FlowLogPlan, FormatPreview } from "../../api/schema";
import { useSettled } from "../../state/settled";

/** What is typed is asked about once it stands still this long. */
const SETTLE_MS = 450;
/** Resources that are priced at once; the server's own bound. */
export const PLANNED_MAX = 20;

/** Posts a body whenever it has settled on another one; null asks nothing. */
export function usePosted<T>(path: string, body: object | null): Asked<T> {
  const text = useMemo(() => (body ? JSON.stringify(body) : ""), [body]);
  const settled = useSettled(text, SETTLE_MS);
  const key = text && settled ? `${path} ${settled}` : null;
  return useAsked<T>(key, ({ signal }) => send<T>("POST", path, JSON.parse(settled), { signal }));
}

/** Whether such a flow log could deliver, step by step. */
export function useCheck(order: FlowLogOrder): Asked<FlowLogCheck> {
  const needsRole = order.destination_type === "cloud-watch-logs";
  const ready = order.destination && (order.role_arn || !needsRole);
  // Tags, the format and the resources are checked on creation; a change of them asks nothing here.
  const body = ready
    ? {
        ...order,
        resource_ids: order.resource_ids.slice(0, 1),
        log_format: null,
        tag_fields: {},
        tags: {},
      }
    : null;
  return usePosted<FlowLogCheck>("/flow-logs/check", body);
}

/** Volume and price of the order. */
export function usePlan(order: FlowLogOrder, valid: boolean): Asked<FlowLogPlan> {
  const body =
    order.resource_ids.length && valid
      ? {
          resource_ids: order.resource_ids.slice(0, PLANNED_MAX),
          traffic_type: order.traffic_type,
          log_format: order.log_format,
        }
      : null;
  return usePosted<FlowLogPlan>("/flow-logs/plan", body);
}

/** What a format prints, also half typed. */
export function usePreview(format: string, resource: string): Asked<FormatPreview> {
  return usePosted<FormatPreview>("/flow-logs/preview", {
    log_format: format,
    resource_id: resource,
  });
}
