import { Search } from "lucide-react";
import "./searchField.css";

export interface SearchFieldProps {
  /** What is searched; read aloud. */
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  className?: string;
}

/** A field that narrows down the list below it. */
export function SearchField({ label, value, onChange, placeholder, className }: SearchFieldProps) {
  return (
    <label className={`search-field ${className ?? ""}`}>
      <Search size={14} aria-hidden />
      <span className="sr">{label}</span>
      <input
        type="search"
        placeholder={placeholder ?? label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}

/** Whether a text has all words of a search, in any order. */
export function hasWords(text: string, words: string): boolean {
  const low = text.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => low.includes(word));
}
