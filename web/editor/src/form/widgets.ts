// The widgets by the names that schemas give them. A name that is not known here is edited as its type asks for.

import type { ComponentType } from 'react';
import type { WidgetProps } from './Field';
import { widgetOf, type Member } from './schema';
import { AggregateWidget } from './widget/aggregate';
import { BooleanWidget } from './widget/boolean';
import { ColumnNamesWidget, ColumnWidget, TableWidget } from './widget/table';
import { ConnectionWidget } from './widget/connection';
import { EnumWidget, segmented } from './widget/enum';
import { ExpressionWidget } from './widget/expression';
import { FieldNamesWidget, FieldWidget } from './widget/field';
import { JSONFieldsWidget } from './widget/jsonfields';
import { LinesWidget } from './widget/lines';
import { ListWidget } from './widget/list';
import { NumberWidget } from './widget/number';
import { ObjectWidget } from './widget/object';
import { OptionsWidget } from './widget/options';
import { PathWidget } from './widget/path';
import { SecretWidget } from './widget/secret';
import { TextWidget } from './widget/text';
import { TextsWidget } from './widget/texts';
import { TypeWidget } from './widget/type';

interface Widget {
  Widget: ComponentType<WidgetProps>;
  group: boolean; // several controls: the label names a group
}

const one = (Widget: ComponentType<WidgetProps>): Widget => ({ Widget, group: false });
const several = (Widget: ComponentType<WidgetProps>): Widget => ({ Widget, group: true });

const widgets: Record<string, Widget> = {
  text: one(TextWidget),
  number: one(NumberWidget),
  boolean: one(BooleanWidget),
  enum: one(EnumWidget),
  expression: one(ExpressionWidget),
  condition: one(ExpressionWidget),
  aggregate: several(AggregateWidget),
  field: one(FieldWidget),
  fieldname: one(FieldWidget),
  fieldnames: several(FieldNamesWidget),
  path: one(PathWidget),
  connection: one(ConnectionWidget),
  table: one(TableWidget),
  column: one(ColumnWidget),
  columns: several(ColumnNamesWidget),
  secret: one(SecretWidget),
  sql: one(LinesWidget),
  multiline: one(LinesWidget),
  type: several(TypeWidget),
  options: several(OptionsWidget),
  object: several(ObjectWidget),
  texts: several(TextsWidget),
  jsonfields: several(JSONFieldsWidget),
  list: several(ListWidget),
};

export function widgetFor(member: Member): Widget {
  if (member.widget === 'enum' && segmented(member)) return several(EnumWidget);
  const { 'x-widget': _, ...plain } = member.schema;
  return widgets[member.widget] ?? widgets[widgetOf(plain)] ?? widgets.text!;
}
