export default function SqlMode() {
  return null;
}
