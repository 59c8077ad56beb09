Attribute VB_Name = "perfeval_ribbon"
Option Explicit

' The ribbon hands over the control that was pressed; a button's own Sub takes no arguments.

Public Sub Ribbon_CheckForm(control As IRibbonControl)
    PE_CheckForm
End Sub

Public Sub Ribbon_Recalculate(control As IRibbonControl)
    PE_Recalculate
End Sub

Public Sub Ribbon_ClearMarks(control As IRibbonControl)
    PE_ClearMarks
End Sub

Public Sub Ribbon_Undo(control As IRibbonControl)
    PE_Undo
End Sub

Public Sub Ribbon_InsertRow(control As IRibbonControl)
    PE_InsertRow
End Sub

Public Sub Ribbon_Submit(control As IRibbonControl)
    PE_Submit
End Sub

Public Sub Ribbon_Report(control As IRibbonControl)
    PE_Report
End Sub
