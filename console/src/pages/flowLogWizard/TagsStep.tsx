import { Plus, Trash2 } from "lucide-react";
import { Button, IconButton } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import type { Draft } from "./draft";
import { Step } from "./Step";

/** Tags of one resource at AWS. */
const TAGS_MAX = 50;

export interface TagsStepProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  errors: string[];
}

/** A name, and other tags. */
export function TagsStep({ draft, change, errors }: TagsStepProps) {
  const { tags } = draft;
  const name = tags.find((tag) => tag.key === "Name");
  const others = tags.filter((tag) => tag !== name);
  const setName = (value: string) =>
    change({ tags: value ? [{ key: "Name", value }, ...others] : others });
  const setOther = (index: number, part: Partial<{ key: string; value: string }>) => {
    const next = others.map((tag, at) => (at === index ? { ...tag, ...part } : tag));
    change({ tags: name ? [name, ...next] : next });
  };
  const withOthers = (next: Draft["tags"]) => change({ tags: name ? [name, ...next] : next });
  return (
    <Step
      part="tags"
      number={6}
      title="Name and tags"
      errors={errors}
      hint="Optional. The name stands in the list of flow logs."
    >
      <TextField
        label="Name"
        value={name?.value ?? ""}
        maxLength={256}
        placeholder="lab-all-to-log-group"
        onChange={setName}
      />
      {others.map((tag, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a tag has no other identity while typed
        <div key={index} className="tag-row">
          <TextField
            label={`Key of tag ${index + 1}`}
            hideLabel
            placeholder="Key"
            maxLength={128}
            value={tag.key}
            onChange={(key) => setOther(index, { key })}
          />
          <TextField
            label={`Value of tag ${index + 1}`}
            hideLabel
            placeholder="Value"
            maxLength={256}
            value={tag.value}
            onChange={(value) => setOther(index, { value })}
          />
          <IconButton
            label={`Remove tag ${index + 1}`}
            icon={<Trash2 size={14} />}
            onClick={() => withOthers(others.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <div>
        <Button
          size="sm"
          icon={<Plus size={13} />}
          disabled={tags.length >= TAGS_MAX}
          onClick={() => withOthers([...others, { key: "", value: "" }])}
        >
          Add tag
        </Button>
      </div>
    </Step>
  );
}
