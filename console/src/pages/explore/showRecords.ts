import { joinTerms } from "../../filter/terms";
import { currentPlace, hrefOf, navigate } from "../../state/location";
import { toast } from "../../ui/Toast";

/** Goes to the records that fit the page's filter and `own` besides. */
export function showRecords(own: string): void {
  if (!own) {
    toast("The records cannot be filtered by this group");
    return;
  }
  const filter = new URLSearchParams(currentPlace().query).get("filter") ?? "";
  const terms = filter.includes(own) ? [filter] : [filter, own];
  navigate(hrefOf("/explore", { filter: joinTerms(terms) }));
}
