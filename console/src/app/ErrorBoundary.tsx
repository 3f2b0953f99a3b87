import { Component, type ReactNode } from "react";
import { Fault } from "../api/fault";
import { ErrorState } from "../ui/State";
import { Page } from "./Page";

/** Shows what a page threw in place of the page; the rest of the console goes on. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    const fault = new Fault(0, {
      code: "PageFailure",
      message: "This page stopped working.",
      where: error.message,
      hint: "load it again; when a new version was installed, that is enough",
    });
    return (
      <Page title="Something went wrong">
        <ErrorState fault={fault} onRetry={() => window.location.reload()} />
      </Page>
    );
  }
}
