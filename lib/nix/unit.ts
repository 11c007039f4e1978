/** Units of systemd as attributes of NixOS, each line with its reason above it. */
import type { Relation, ServiceUnit, Setting, TimerUnit } from "../boot/unit.ts";
import { type Attribute, attribute, Commented, NixSet, type NixValue, sentence } from "./text.ts";

const RELATIONS = ["wantedBy", "requiredBy", "requires", "after", "before", "conflicts"] as const;

/** The attributes of `systemd.services.NAME`. @param script an expression that gives its text */
export function serviceAttributes(unit: ServiceUnit, script: NixValue): Attribute[] {
  return [
    attribute("description", unit.description),
    ...relationAttributes(unit),
    ...settingAttributes("unitConfig", unit.unit),
    ...settingAttributes("serviceConfig", unit.service),
    attribute("script", script),
  ];
}

/** The attributes of `systemd.timers.NAME`. */
export function timerAttributes(timer: TimerUnit): Attribute[] {
  return [
    attribute("description", timer.description),
    ...relationAttributes(timer),
    ...settingAttributes("timerConfig", timer.timer),
  ];
}

function relationAttributes({ related }: Pick<ServiceUnit, "related">): Attribute[] {
  return RELATIONS.flatMap((relation) => relationAttribute(related, relation));
}

function relationAttribute(related: ServiceUnit["related"], relation: Relation): Attribute[] {
  const others = related.filter((each) => each.relation === relation);
  const [only] = others;
  if (only === undefined) return [];
  // Above the line where there is one, within the list where there are more.
  if (others.length === 1) return [attribute(relation, [only.unit], sentence(only.why))];
  const items = others.map(({ unit, why }) => new Commented(sentence(why), unit));
  return [attribute(relation, items)];
}

function settingAttributes(section: string, settings: readonly Setting[]): Attribute[] {
  const attributes = settings.map(({ key, value, why }) =>
    attribute(key, value, why === undefined ? undefined : sentence(why)),
  );
  const [only] = attributes;
  if (only === undefined) return [];
  if (attributes.length > 1) return [attribute(section, new NixSet(attributes))];
  return [{ ...only, path: [section, ...only.path] }];
}
