/** @jsxImportSource preact */
import {
  Archive,
  BookOpen,
  ChartNoAxesColumn,
  Check,
  ChevronRight,
  CircleUser,
  Copy,
  FileCode,
  Filter,
  Gauge,
  Globe,
  Hash,
  type IconNode,
  Inbox,
  KeyRound,
  ListOrdered,
  Mail,
  Megaphone,
  Menu,
  Monitor,
  Moon,
  PackageOpen,
  Plus,
  ScrollText,
  Search,
  Settings,
  Shield,
  Sun,
  Tag,
  TriangleAlert,
  Users,
  Webhook,
  X,
} from "lucide";
import { h } from "preact";

const icons = {
  archive: Archive,
  book: BookOpen,
  chart: ChartNoAxesColumn,
  check: Check,
  next: ChevronRight,
  person: CircleUser,
  copy: Copy,
  template: FileCode,
  filter: Filter,
  overview: Gauge,
  domain: Globe,
  topic: Hash,
  inbox: Inbox,
  key: KeyRound,
  queue: ListOrdered,
  email: Mail,
  broadcast: Megaphone,
  menu: Menu,
  system: Monitor,
  dark: Moon,
  sandbox: PackageOpen,
  plus: Plus,
  log: ScrollText,
  search: Search,
  settings: Settings,
  suppression: Shield,
  light: Sun,
  tag: Tag,
  warning: TriangleAlert,
  people: Users,
  webhook: Webhook,
  close: X,
} satisfies Record<string, IconNode>;

export type IconName = keyof typeof icons;

/** A picture beside words that say the same; alone it says nothing to a screen reader. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {icons[name].map(([tag, attributes]) => h(tag, attributes))}
    </svg>
  );
}
